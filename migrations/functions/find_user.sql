-- The person of a token's issuer and subject.
CREATE OR REPLACE FUNCTION util.find_user(token_issuer text, token_subject text)
 RETURNS uuid
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$ SELECT u.id FROM public.users u WHERE u.issuer = token_issuer AND u.subject = token_subject $function$
