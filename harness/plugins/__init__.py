"""From files to plug-in classes."""
