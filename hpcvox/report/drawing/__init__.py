"""Charts and pictures: each is described once, and drawn by plotly on the page and by matplotlib on paper."""
