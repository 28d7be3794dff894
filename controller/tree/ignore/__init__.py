"""`.shjobsignore`: which files and folders of the tree are not ours."""
