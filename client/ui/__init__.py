"""The window, and everything else that needs Qt.

Qt's media library speaks of missing system libraries while it is being loaded, which is before any option is read: what
keeps it quiet has to stand in the environment before the first import.
"""

import os

os.environ.setdefault("QT_LOGGING_RULES", "qt.multimedia.*=false;qt.qpa.fonts=false;qt.accessibility.atspi=false")
