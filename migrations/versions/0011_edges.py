"""What a repeated request is answered with belongs to company and credential; API keys hold nothing of owners alone."""
