"""Charts and pictures: each is described once; plotly draws it on the page and matplotlib on paper."""
