"""The two verifiers of a bundle, held against whole bundles and spoilt ones."""
