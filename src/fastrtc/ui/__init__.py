"""The page: the layouts, the builder, and what the Gradio component is made of."""
