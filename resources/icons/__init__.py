"""Line icons: 20 x 20, stroke 1.75, drawn in `currentColor`; marks of a message: 16 x 16."""
