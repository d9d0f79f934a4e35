"""The allocation core: who gets what next, on arrays, without any input or output."""
