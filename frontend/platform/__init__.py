"""What the web process is made of below its pages: its log, its sockets, and the one seam to Reflex."""
