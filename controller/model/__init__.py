"""Types shared by every room: frozen values and errors. Nothing here decides, and only `clock` reads the time."""
