-- Conversations of the context's person in whose title, or in one of whose messages, all words stand; the newest
-- such message is told. Operators of text search are not leakproof, so that the function looks at tenant and person
-- itself, which also bounds the work to one person's messages.
CREATE OR REPLACE FUNCTION util.search_conversations(words text[])
 RETURNS TABLE(id uuid, message_id uuid)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
    WITH wanted AS (
      SELECT pg_catalog.array_agg(folded) AS folds
      FROM (SELECT util.searchable(word) FROM pg_catalog.unnest(words) word) given (folded) WHERE folded <> '')
    SELECT c.id, found.id FROM wanted, public.conversations c
    LEFT JOIN LATERAL (
      SELECT m.id FROM public.messages m
      WHERE m.tenant_id = c.tenant_id AND m.conversation_id = c.id AND m.superseded_at IS NULL
        AND NOT EXISTS (SELECT FROM pg_catalog.unnest(wanted.folds) word WHERE pg_catalog.strpos(m.search, word) = 0)
      ORDER BY m.id DESC LIMIT 1) found ON true
    WHERE c.tenant_id = (SELECT util.current_tenant()) AND c.user_id = (SELECT util.current_user())
      AND wanted.folds IS NOT NULL
      AND (found.id IS NOT NULL OR NOT EXISTS (
        SELECT FROM pg_catalog.unnest(wanted.folds) word
        WHERE pg_catalog.strpos(util.searchable(c.title), word) = 0)) $function$
