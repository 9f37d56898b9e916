-- The password hash of an address.
CREATE OR REPLACE FUNCTION util.find_credentials(address text)
 RETURNS TABLE(user_id uuid, password_hash text)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$ SELECT c.user_id, c.password_hash FROM public.user_credentials c WHERE c.email = address $function$
