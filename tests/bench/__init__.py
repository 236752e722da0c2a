"""Speed, as ratios and costs within one run: `make bench`. Nothing here is a test that can fail for being slow."""
