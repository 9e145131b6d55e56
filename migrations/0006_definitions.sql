-- Definitions of a service among all that happened to it: few rows of many, looked for when one is to be gone back to.
CREATE INDEX events_definitions ON events (stream, version)
WHERE type IN ('service.created', 'service.changed');
