-- What a search compares: compatibility forms taken apart (Unicode's NFKD), without Latin accents, without
-- characters that nobody sees and those with which Markdown marks words, in lower case. The passages of a search
-- fold texts the same way in Python.
CREATE OR REPLACE FUNCTION util.searchable(value text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
 SET search_path TO ''
AS $function$
    SELECT pg_catalog.lower(pg_catalog.regexp_replace(pg_catalog.normalize(value, 'NFKD'),
      '[\u0300-\u036f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff*_`~\\]', '', 'g')) $function$
