"""What is done by the clock or by an operator, beside the chats: jobs, sweeping, repair.

`jobs` keeps the schedule; `reconcile` compares open handoffs with their threads and repairs what no
webhook told; `resend` does a message once more; `housekeeping` forgets what is past its age.
"""
