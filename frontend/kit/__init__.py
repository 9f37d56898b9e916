"""What pages are made of together: pieces of state with the components that show them."""
