"""One module per page: what it shows, as plain JSON values that its template and its `.json` twin share."""
