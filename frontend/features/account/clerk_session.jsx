// Why JavaScript: Clerk signs people in inside the browser alone, through hooks and providers of React that only a
// React component can use. This one hands the session's token to the server; everything else stays in Python.
import { useEffect } from "react";
import { ClerkProvider, useAuth } from "@clerk/clerk-react";

// Clerk's tokens live 60 s.
const RENEW_AFTER_MS = 40000;

function Handover({ onSession }) {
  const { isLoaded, isSignedIn, sessionId, getToken } = useAuth();
  useEffect(() => {
    if (!isLoaded) return undefined;
    let current = true;
    const hand = async () => {
      const token = isSignedIn ? await getToken({ skipCache: true }) : "";
      if (current) onSession(token ?? "");
    };
    hand();
    const timer = isSignedIn ? setInterval(hand, RENEW_AFTER_MS) : undefined;
    return () => {
      current = false;
      clearInterval(timer);
    };
  }, [isLoaded, isSignedIn, sessionId]);
  return null;
}

export function ClerkSession({ publishableKey, onSession, children }) {
  return (
    <ClerkProvider
      publishableKey={publishableKey}
      signInUrl="/sign-in"
      signUpUrl="/sign-up"
      afterSignOutUrl="/sign-in?reason=signed-out"
    >
      <Handover onSession={onSession} />
      {children}
    </ClerkProvider>
  );
}
