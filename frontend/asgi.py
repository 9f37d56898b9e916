"""What Reflex imports to compile and to serve: the one module that reads the environment while it is imported."""

import os

from frontend.app import create_app
from frontend.platform.settings import WebSettings

app = create_app(WebSettings.load(os.environ))
