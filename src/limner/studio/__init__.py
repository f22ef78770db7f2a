"""The web page: see a prompt become a picture, and learn why. Needs the extra `limner[studio]`.

=========  =====================================================================================
part       what it is
=========  =====================================================================================
app        `mount`: the page on the server's own application
page       all of it in order: the tabs, the look
create     words become pictures
edit       a painted part of a picture is drawn anew; variations
lab        several prompts and seeds side by side, and which words changed which pixels
past       what this browser made
learn      the picture on screen, explained
parts      what tabs are made of
drawing    from a wish to pictures: the API's own judging, guard, limits and loop
history    what each browser made, on disk
visitor    who looks at the page
=========  =====================================================================================

Nothing here is imported by anything but the command line, and Gradio and SQLAlchemy are imported only here.
"""
