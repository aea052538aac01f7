"""The shell: moves values between machines, store and doors; decides nothing."""
