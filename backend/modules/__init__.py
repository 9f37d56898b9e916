"""The modules that come with the product. They know the contract (`module_sdk`) and nothing of the host."""
