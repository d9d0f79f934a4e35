"""The OpenAPI document, made from the descriptor set."""
