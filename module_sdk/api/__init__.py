"""The API's request and reply bodies as msgspec Structs: one definition for the API, its clients and the web app."""
