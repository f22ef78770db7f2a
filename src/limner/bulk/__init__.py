"""Many pictures from a list, one line each: whatever happens on the way, each line is done exactly once.

=======  ==========================================================================================
part     what it is
=======  ==========================================================================================
ledger   a file of JSON lines that survives a kill at any moment: what is in it is done
runner   threads that work off lists, several lines of several lists at a time
easel    draws for a thread that waits, in company with everybody else on the device
making   from what a line asks for to its files, in this process or in others
wishes   a line of a list -> what is to be drawn
folder   where the pictures go, and what is known of them
filling  a list worked off into a folder: `limner batch`
=======  ==========================================================================================

The server's Batch API stands on the first three.
"""
