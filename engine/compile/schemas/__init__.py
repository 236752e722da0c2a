"""JSON Schemas of mappings/schemas/: checked for form, compiled into validators and fillers of defaults."""
