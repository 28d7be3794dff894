"""One reader for each language in which a request is pasted: for `pasted`."""
