"""CGCNN: graph of a crystal → a property (Xie and Grossman 2018)."""
