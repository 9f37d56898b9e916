-- Roles, database rights and extension on a server of your own; run once as a superuser, connected to the database.
-- The passwords are those of docker-compose.dev.yml and are refused outside local mode: change them on a real server.
CREATE ROLE ocsuite_owner LOGIN BYPASSRLS PASSWORD 'ocsuite';
CREATE ROLE ocsuite_app LOGIN NOINHERIT PASSWORD 'ocsuite';
REVOKE ALL ON DATABASE ocsuite FROM PUBLIC;
ALTER DATABASE ocsuite OWNER TO ocsuite_owner;
GRANT CONNECT ON DATABASE ocsuite TO ocsuite_app;
CREATE EXTENSION IF NOT EXISTS vector;
