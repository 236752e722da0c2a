"""Routes in the regions of a project: which Plan runs for which events."""
