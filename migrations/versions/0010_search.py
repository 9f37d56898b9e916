"""Search by any part of a word, in any script: one fold of texts on both sides of the comparison.

Words by their beginning, as the text search configuration cuts them, found nothing in scripts without spaces, nothing
inside words, and no address, file name or version as it is copied out of a message.
"""

from typing import Final

from migrations import rls

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

# What is compared: compatibility forms taken apart (Unicode's NFKD), without Latin accents, without characters that
# nobody sees and those with which Markdown marks words, in lower case. `backend.domains.csuite.passages` does the same
# letter by letter, to show where the words stand.
FOLD: Final = r"""
  CREATE FUNCTION util.searchable(value text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
  SET search_path = '' AS $$
    SELECT pg_catalog.lower(pg_catalog.regexp_replace(pg_catalog.normalize(value, 'NFKD'),
      '[\u0300-\u036f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff*_`~\\]', '', 'g')) $$"""

# The function looks at tenant and person itself, and so reads one person's messages alone: that bounds the work.
# All words have to stand in the title, or all of them in one message; the newest such message is told.
SEARCH: Final = f"""
  CREATE FUNCTION util.search_conversations(words text[]) RETURNS TABLE (id uuid, message_id uuid)
  LANGUAGE sql STABLE {rls.DEFINER} AS $$
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
        WHERE pg_catalog.strpos(util.searchable(c.title), word) = 0)) $$"""

EARLIER: Final = f"""
  CREATE FUNCTION util.search_conversations(words text[]) RETURNS SETOF uuid LANGUAGE sql STABLE {rls.DEFINER} AS $$
    WITH query AS (
      SELECT pg_catalog.to_tsquery('simple',
        pg_catalog.string_agg(pg_catalog.quote_literal(word) || ':*', ' & ')) AS q FROM pg_catalog.unnest(words) word)
    SELECT c.id FROM public.conversations c, query
    WHERE c.tenant_id = (SELECT util.current_tenant()) AND c.user_id = (SELECT util.current_user())
      AND pg_catalog.to_tsvector('simple', c.title) OPERATOR(pg_catalog.@@) query.q
    UNION
    SELECT c.id FROM query, public.messages m
      JOIN public.conversations c ON c.tenant_id = m.tenant_id AND c.id = m.conversation_id
    WHERE m.tenant_id = (SELECT util.current_tenant()) AND c.user_id = (SELECT util.current_user())
      AND m.superseded_at IS NULL AND m.search OPERATOR(pg_catalog.@@) query.q $$"""


SIGNATURE: Final = "util.search_conversations(text[])"


def upgrade() -> None:
    """The index goes with its column."""
    rls.execute(f"DROP FUNCTION {SIGNATURE}", "ALTER TABLE messages DROP COLUMN search", FOLD)
    rls.allow_function("util.searchable(text)")
    rls.execute(
        "ALTER TABLE messages ADD search text NOT NULL GENERATED ALWAYS AS (util.searchable(content)) STORED",
        # Reading through texts is faster when they need not be unpacked first.
        "ALTER TABLE messages ALTER search SET STORAGE EXTERNAL",
        SEARCH,
    )
    rls.allow_function(SIGNATURE)


def downgrade() -> None:
    """Search by the beginnings of words again."""
    rls.execute(
        f"DROP FUNCTION {SIGNATURE}",
        "ALTER TABLE messages DROP COLUMN search",
        "DROP FUNCTION util.searchable(text)",
        "ALTER TABLE messages ADD search tsvector NOT NULL GENERATED ALWAYS AS (to_tsvector('simple', content)) STORED",
        "CREATE INDEX ix_messages_search ON messages USING gin (tenant_id, search)",
        EARLIER,
    )
    rls.allow_function(SIGNATURE)
