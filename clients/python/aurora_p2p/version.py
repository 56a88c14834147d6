# SPDX-License-Identifier: Apache-2.0
"""The package's version, where setuptools can read it without importing the rest."""

__version__ = "1.0.0"
