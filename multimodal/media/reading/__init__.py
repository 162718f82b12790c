"""Pictures at asked times and sound at an asked rate, from any file that FFmpeg can open."""
