"""The Asynchronous Processing API: client, response, OAuth2 tokens."""
