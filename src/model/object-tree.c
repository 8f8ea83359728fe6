#include "model/message.h"

void object_tree_done(ObjectTree *t)
{
        for (size_t i = 0; i < t->n_children; i++)
                object_tree_done(&t->children[i]);
        free(t->children);
        *t = (ObjectTree){};
}

int object_tree_copy(const ObjectTree *t, ObjectTree *ret)
{
        ObjectTree copy = {.id = t->id};

        if (t->n_children > 0) {
                copy.children = new0(ObjectTree, t->n_children);
                if (!copy.children)
                        return -ENOMEM;
        }
        for (; copy.n_children < t->n_children; copy.n_children++)
                if (object_tree_copy(&t->children[copy.n_children], &copy.children[copy.n_children]) < 0) {
                        object_tree_done(&copy);
                        return -ENOMEM;
                }
        *ret = copy;
        return 0;
}

size_t object_tree_count(const ObjectTree *t)
{
        size_t n = 1;

        for (size_t i = 0; i < t->n_children; i++)
                n += object_tree_count(&t->children[i]);
        return n;
}

int object_tree_walk(
        const ObjectTree *t, int (*visit)(const ObjectTree *node, void *userdata), void *userdata)
{
        int r;

        for (size_t i = 0; i < t->n_children; i++) {
                r = object_tree_walk(&t->children[i], visit, userdata);
                if (r < 0)
                        return r;
        }
        r = visit(t, userdata);
        return r < 0 ? r : 0;
}
