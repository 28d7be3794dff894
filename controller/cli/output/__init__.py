"""How commands print: tables, markdown, annotations, progress."""
