"""Audits of classifiers of attributes: how often they are wrong about whom."""
