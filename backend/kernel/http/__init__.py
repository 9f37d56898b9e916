"""Between the socket and the handlers: problems, bodies, pages of lists, idempotency, the API's document."""
