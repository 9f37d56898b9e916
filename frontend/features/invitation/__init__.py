"""An invitation seen by whom it is for."""
