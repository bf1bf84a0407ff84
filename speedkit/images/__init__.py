"""Pure readers of image layers: what is in each, what the final file system shows, and what is stored in vain.

In: an archive on disk, or the stream that an engine sends (speedkit.engine.saved_image). Out: an Image. What only shows one is
loaded when it is asked for: speedkit.images.summary, its words and HTML, and speedkit.images.tree, its files to be opened.
"""
