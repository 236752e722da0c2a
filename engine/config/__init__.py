"""YAML files to documents and skeletons: knows files and lines, builds nothing."""
