# SPDX-License-Identifier: Apache-2.0
"""Single-operator models, run by Mica and by the reference interpreters, and compared."""
