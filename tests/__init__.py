"""The specification of limner, one sentence a test; the folders mirror `src/limner`."""
