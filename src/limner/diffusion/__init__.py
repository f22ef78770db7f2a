"""Stage 3's maths: noise, times, guidance, samplers and the inpainting rule, in numpy alone."""
