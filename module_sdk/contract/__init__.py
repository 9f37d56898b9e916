"""What the authors of modules need: what a module and the product say to each other, and what both check."""
