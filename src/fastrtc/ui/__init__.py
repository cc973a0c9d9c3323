"""The Gradio page: layouts, the page builder, and parts of the Gradio component."""
