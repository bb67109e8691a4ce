"""Small tasks and small learners that several scripts share."""
