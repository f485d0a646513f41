"""All process types of a slug at once: started, watched, restarted and ended together."""
