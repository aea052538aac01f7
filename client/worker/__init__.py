"""The media worker: a process of its own, the only place of cv2, pydub and ffmpeg."""
