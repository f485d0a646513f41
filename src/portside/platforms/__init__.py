"""Layer 4: platforms that call portside by an interface of their own."""
