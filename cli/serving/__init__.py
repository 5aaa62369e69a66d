"""One running model over HTTP: an API, a page that shows it, and the limits of both."""
