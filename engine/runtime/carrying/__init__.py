"""How events and deliveries travel between the stages.

codec          events and deliveries as headers and JSON
handover       write there, see the receipt, let go here
publishing     publishing with patience
largebodies    bodies above 256 KiB as blobs
"""
